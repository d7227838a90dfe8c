// The order of texts, lists, names, segments, upper and lower case, language tags, and what interfaces look like.
const LOCALES = [
  "en-US", "de", "fr", "es", "sv", "cs", "ru", "tr", "ja", "zh-CN", "ko", "ar", "th", "de-u-co-phonebk", "en-u-kn-true", "da-u-kf-upper",
];
const WORDS = [
  "a", "A", "á", "ä", "z", "Z", "b", "ch", "cz", "ñ", "n", "o", "ö", "ø", "aa", "å", "10", "9", "2", "-a", "_b", "B", "resume", "résumé",
  "Résumé", "co-op", "coop", "co op", "", " ", "ß", "ss", "日", "本", "あ", "ア", "الف", "и", "й", "①", "a b", "a,b", "I", "i", "ı", "İ",
];
const COLLATIONS = [
  undefined, { sensitivity: "base" }, { sensitivity: "accent" }, { sensitivity: "case" }, { numeric: true }, { caseFirst: "upper" },
  { caseFirst: "lower" }, { ignorePunctuation: true }, { usage: "search" }, { usage: "search", sensitivity: "base" },
];
const NAMED = {
  language: ["en", "en-US", "de-AT", "zh-Hant", "zh-Hans-CN", "pt-BR", "xx", "fr-CH", "sr-Latn-RS", "zh-TW", "es-419", "nl-BE", "az-Arab"],
  region: ["US", "DE", "UN", "419", "001", "XK"],
  script: ["Latn", "Cyrl"],
  currency: ["USD", "EUR", "jpy", "XYZ", "GBP", "BTC"],
  calendar: ["gregory", "buddhist", "islamic-civil", "iso8601", "foo", "japanese"],
  dateTimeField: ["era", "year", "quarter", "month", "weekOfYear", "weekday", "day", "dayPeriod", "hour", "minute", "second", "timeZoneName"],
};
const TEXTS = ["Hello, world! How are you? Fine.", "👨‍👩‍👧‍👦 é नमस्ते", "吾輩は猫である。名前はたぬき。", "สวัสดีชาวโลก", "can't 3.14 e.g. x", ""];
for (const locale of LOCALES) {
  for (const options of COLLATIONS) {
    const collator = new Intl.Collator(locale, options), name = `${locale} ${JSON.stringify(options)}`;
    put(`${name} order`, () => [...WORDS].sort(collator.compare));
    put(`${name} compared`, () => WORDS.map((word) => word.localeCompare("coop", locale, options)));
    put(`${name} collator`, () => collator.resolvedOptions());
  }
  for (const type of ["conjunction", "disjunction", "unit"]) {
    for (const style of ["long", "short", "narrow"]) {
      const format = new Intl.ListFormat(locale, { type, style });
      const lists = [[], ["A"], ["A", "B"], ["A", "B", "C"], ["a", "", "b", "y", "o", "i"], ["hija", "iglesia"], ["x😀", "y"]];
      put(`${locale} ${type} ${style}`, () => lists.map((list) => [format.format(list), format.formatToParts(list)]));
    }
  }
  for (const type in NAMED) {
    for (const style of ["long", "short", "narrow"]) {
      for (const languageDisplay of type === "language" ? ["dialect", "standard"] : [undefined]) {
        const names = new Intl.DisplayNames(locale, { type, style, fallback: "none", languageDisplay });
        put(`${locale} ${type} ${style} ${languageDisplay}`, () => NAMED[type].map((code) => String(names.of(code))));
      }
    }
  }
  for (const granularity of ["grapheme", "word", "sentence"]) {
    const segmenter = new Intl.Segmenter(locale, { granularity });
    put(`${locale} ${granularity}`, () => TEXTS.map((text) => [...segmenter.segment(text)]));
    put(`${locale} ${granularity} at 5`, () => TEXTS.map((text) => segmenter.segment(text).containing(5)));
  }
  put(`${locale} elements`, () => [
    [1234.5, new Date(0), null, undefined, [1e4, [2e4]], "x", true, 10n].toLocaleString(locale, { timeZone: "UTC" }),
    new Float64Array([1234.5, 2]).toLocaleString(locale, { minimumFractionDigits: 2 }), new BigInt64Array([12345n]).toLocaleString(locale),
  ]);
}
for (const locale of ["tr", "az", "lt", "el", "el-GR", "TR", "en", "und", ["xx", "tr"], undefined]) {
  put(`case ${locale}`, () => ["iıİIßäς ΣΊΣΥΦΟΣ άέήίόύώ ǆ ﬁ".toLocaleUpperCase(locale), "iıİIßäς ΣΊΣΥΦΟΣ Ǆ ÌĮJ̇".toLocaleLowerCase(locale)]);
}

// Beyond ASCII and within it, so that the order that is made without ICU is ICU's.
const SIGNS = [];
for (let code = 9; code < 127; code++) if (code < 14 || code > 31) SIGNS.push(String.fromCharCode(code));
const SAMPLE = [...SIGNS, "", "aB", "Ab", "AB", "ab", "abc", "ABc", "a-b", "é", "\x01"];
for (const locale of [undefined, "fr"]) {
  put(`signs ${locale}`, () => SAMPLE.map((a) => SAMPLE.map((b) => "<=>"[a.localeCompare(b, locale) + 1]).join("")));
}

for (const tag of (
  "en-us EN-LATN-us-u-nu-thai-CA-buddhist iw in sh mo cmn zh-cmn no-bok art-lojban sgn-us i-klingon x-private en-GB-oed de-1996 " +
  "ca-valencia en-t-fr de-dd hy-SU sr-SU ru-SU en-a-bc-a-de de-1996-1996 en_US en-u-kn-true tl und root 5 hy-arevela " +
  "zh-min-nan en-u-ca-islamicc zh-TW zh-HK no nn sr-RS de-ZZ xx tlh pt-PT es-419 es-MX en-ZA sr-Latn zh-Hans-SG pa-PK ar-SA fil ne mr " +
  "en-150 en-x-foo en-u-hc-h23-kn-kf-upper en-u-foo-ca-buddhist"
).split(" ")) {
  put(`tag ${tag}`, () => Intl.getCanonicalLocales(tag));
  put(`tag ${tag} supported`, () => Intl.DateTimeFormat.supportedLocalesOf(tag));
  put(`tag ${tag} resolved`, () => [
    new Intl.DateTimeFormat(tag, { timeZone: "UTC" }).resolvedOptions(), new Intl.NumberFormat(tag).resolvedOptions().locale,
    new Intl.Collator(tag).resolvedOptions().locale, new Intl.PluralRules(tag).resolvedOptions().locale,
  ]);
}
const GETTERS = [
  "script", "region", "baseName", "calendar", "caseFirst", "collation", "hourCycle", "numeric", "numberingSystem", "textInfo", "calendars",
  "hourCycles", "numberingSystems", "weekInfo", "timeZones", "collations",
];
for (const [tag, options] of [
  ["en"], ["en-US"], ["zh"], ["zh-TW"], ["sr-Latn"], ["ar-EG-u-nu-latn"], ["de-u-co-phonebk-ca-buddhist"], ["en-u-hc-h23-kn-kf-upper"],
  ["pt"], ["zh-Hant-HK"], ["fa-IR"], ["en-x-foo"], ["de-1996"], ["th-TH"], ["hi-IN"], ["he-IL"], ["uz-AF"], ["en-u-kn-false"], ["es-MX"],
  ["ja-JP"], ["en-GB"], ["en", { region: "GB" }], ["en-US", { language: "fr" }], ["en", { script: "latn" }], ["en", { numeric: false }],
  ["en", { calendar: "buddhist", numeric: true, hourCycle: "h12", numberingSystem: "thai", collation: "eor", caseFirst: "upper" }],
  ["en-u-ca-gregory", { calendar: "japanese" }], ["en-US", { region: "xx" }], ["en-u-foo-ca-buddhist", { numberingSystem: "latn" }],
  ["zh-Hans-CN-x-a", { calendar: "roc" }], ["en", { language: "x" }], ["en", { script: "Latin" }],
]) {
  put(`locale ${tag} ${JSON.stringify(options)}`, () => {
    const locale = new Intl.Locale(tag, options);
    return [`${locale}`, `${locale.maximize()}`, `${locale.minimize()}`, GETTERS.map((name) => locale[name])];
  });
}
for (const key of ["calendar", "collation", "numberingSystem", "unit", "nothing"]) put(`supported ${key}`, () => Intl.supportedValuesOf(key));

const PARTS = [
  "DateTimeFormat", "NumberFormat", "Collator", "PluralRules", "RelativeTimeFormat", "ListFormat", "DisplayNames", "Locale", "Segmenter",
];
function shape(owner) {
  return Reflect.ownKeys(owner).map((key) => {
    const found = Object.getOwnPropertyDescriptor(owner, key), value = found.get ?? found.value;
    const what = typeof value === "function" ? `${value.name}/${value.length}/${"prototype" in value}` : typeof value;
    return `${String(key)} ${what} ${found.enumerable} ${found.writable} ${found.configurable}`;
  }).sort();
}
for (const part of PARTS) put(`shape ${part}`, () => [shape(Intl[part]), shape(Intl[part].prototype), typeof Intl[part]]);
for (const owner of [Date, Number, BigInt, String, Array, Object.getPrototypeOf(Uint8Array)]) {
  put(`methods of ${owner.name}`, () => shape(owner.prototype).filter((member) => /locale/i.test(member)));
}
put("shape Intl", () => [`${Intl}`, Object.keys(Intl), Reflect.ownKeys(Intl).map(String).sort()]);
