// Dates and times, by locales, options, zones and calendars.
const LOCALES = [
  "en-US", "en-GB", "en-CA", "en-IN", "de", "fr", "fr-CA", "es", "es-MX", "it", "pt-BR", "nl", "sv", "pl", "cs", "ru", "tr", "ja", "zh-CN",
  "ko", "ar", "ar-EG", "he", "hi", "th", "fa",
];
const MOMENTS = [0, 1709210096789, 1720000000000, -62135596800000, 1e12];
const ZONES = [
  "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tokyo", "Pacific/Apia",
];
const OPTIONS = [
  undefined, { dateStyle: "full" }, { dateStyle: "long", timeStyle: "short" }, { dateStyle: "medium", timeStyle: "long" },
  { dateStyle: "short", timeStyle: "full" }, { timeStyle: "medium" }, { year: "numeric", month: "long", day: "numeric" },
  { weekday: "long", hour: "numeric" }, { month: "short", day: "2-digit", year: "2-digit" },
  { hour: "2-digit", minute: "2-digit", hour12: false }, { hour: "numeric", minute: "2-digit", hour12: true },
  { hour: "numeric", minute: "numeric", second: "numeric", fractionalSecondDigits: 3 },
  { hour: "numeric", timeZoneName: "short" }, { hour: "2-digit", minute: "2-digit", timeZoneName: "longGeneric" },
  { timeZoneName: "long", year: "numeric" }, { minute: "numeric", timeZoneName: "longOffset", hour: "numeric" },
  { era: "short", year: "numeric", month: "short" }, { hour: "numeric", dayPeriod: "long" }, { month: "numeric" },
  { weekday: "short" }, { hour: "numeric", hourCycle: "h23" }, { hour: "2-digit", hourCycle: "h11", minute: "numeric" },
  { timeStyle: "short", hour12: true }, { timeStyle: "short", hour12: false }, { timeStyle: "short", hourCycle: "h24" },
  { minute: "2-digit", second: "2-digit" }, { month: "narrow", weekday: "narrow", era: "narrow" },
  {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
    timeZoneName: "shortGeneric",
  },
];
const LATER = [5 * 36e5, 3 * 864e5, 50 * 864e5, 500 * 864e5, 0];
let turn = 0;
for (const locale of LOCALES) {
  for (const option of OPTIONS) {
    const moment = MOMENTS[++turn % MOMENTS.length], options = { timeZone: ZONES[turn % ZONES.length], ...option };
    const until = moment + LATER[turn % 7 % LATER.length], name = `${locale} ${JSON.stringify(options)} ${moment}`;
    put(name, () => new Date(moment).toLocaleString(locale, options));
    put(`${name} resolved`, () => new Intl.DateTimeFormat(locale, options).resolvedOptions());
    if (turn % 2) put(`${name} parts`, () => new Intl.DateTimeFormat(locale, options).formatToParts(moment));
    else put(`${name} range`, () => new Intl.DateTimeFormat(locale, options).formatRange(moment, until));
    if (turn % 3 === 0) put(`${name} range parts`, () => new Intl.DateTimeFormat(locale, options).formatRangeToParts(moment, until));
  }
  for (const moment of MOMENTS) {
    put(`${locale} ${moment} date`, () => new Date(moment).toLocaleDateString(locale, { timeZone: "Europe/Paris" }));
    put(`${locale} ${moment} time`, () => new Date(moment).toLocaleTimeString(locale, { timeZone: "America/Sao_Paulo" }));
  }
}

for (const zone of [
  "BST", "ACT", "PST", "CST", "JST", "IST", "EST", "MST", "PST8PDT", "GB", "ROK", "UCT", "Zulu", "Etc/GMT0", "GMT0", "Etc/GMT+05",
  "GMT+5", "Etc/Unknown", "SystemV/PST8", "Asia/Hanoi", "US/Pacific-New", "Factory", "GMT+0", "Etc/GMT-0", "Etc/UCT", "utc",
  "Etc/Greenwich", "Europe/Kyiv", "EtC/gMt-14", "Etc/GMT-15", "CST6CDT", "Antarctica/South_Pole", "America/Ciudad_Juarez", "W-SU",
  "Asia/Saigon", "UTC+1", "", "america/port-au-prince", "AMERICA/ARGENTINA/BUENOS_AIRES", "Asia/Ust-Nera", "europe/isle_of_man",
  "Africa/Dar_es_salaam", " UTC", "us/eastern", "Asia/Calcutta", "Mars/Olympus",
]) put(`zone ${zone}`, () => new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone);

for (const calendar of [
  "buddhist", "chinese", "coptic", "dangi", "ethioaa", "ethiopic", "gregory", "hebrew", "indian", "islamic", "islamic-civil",
  "islamic-umalqura", "iso8601", "japanese", "persian", "roc", "foo",
]) {
  const options = { calendar, timeZone: "UTC" }, moment = 1709210096789;
  put(`calendar ${calendar}`, () => new Intl.DateTimeFormat("en", { ...options, dateStyle: "long" }).format(moment));
  put(`calendar ${calendar} parts`, () => new Intl.DateTimeFormat("en", options).formatToParts(moment));
  put(`calendar ${calendar} resolved`, () => new Intl.DateTimeFormat(`en-u-ca-${calendar}`, options).resolvedOptions());
  put(`calendar ${calendar} ar`, () => new Date(moment).toLocaleDateString(`ar-u-ca-${calendar}`, { timeZone: "UTC" }));
}

for (const moment of [-8.64e15, -62198755200000, -12219292800001, -12219292800000, 8.64e15]) {
  put(`far ${moment}`, () => new Date(moment).toLocaleString("en", { timeZone: "UTC", era: "short" }));
  put(`far ${moment} range`, () => new Intl.DateTimeFormat("de", { timeZone: "UTC" }).formatRange(moment, 0));
}
[null, "1000", true, new Date(5), NaN, 8.64e15 + 1, {}, []].forEach((value, index) => {
  put(`value ${index}`, () => new Intl.DateTimeFormat("en", { timeZone: "UTC" }).format(value));
});
