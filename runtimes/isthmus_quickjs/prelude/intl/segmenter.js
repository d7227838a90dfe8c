// Intl.Segmenter.
(native, shared) => {
  "use strict";
  const { create } = Object;
  const { brand, canonical, choice, exposed, hide, known, matcher, needed, needNew, slotsOf } = shared.use("intl/requests");
  const SERVICE = "Intl.Segmenter";
  const slots = brand(), texts = brand();

  function Segmenter() {
    needNew(new.target, SERVICE);
    const asked = create(null), locales = canonical(arguments[0]), options = needed(arguments[1], SERVICE);
    matcher(options, SERVICE);
    asked.locales = locales;
    asked.granularity = choice(options, "granularity", ["grapheme", "word", "sentence"], "grapheme", SERVICE);
    new slots(this, { asked, locale: known("segments.resolve", asked).locale });
  }

  function segment({ text, found, granularity }, index) {
    const start = index ? found[index - 1][0] : 0;
    const made = { segment: text.slice(start, found[index][0]), index: start, input: text };
    if (granularity === "word") made.isWordLike = found[index][1];
    return made;
  }

  const segments = {};
  hide(segments, {
    containing() {
      const own = slotsOf(texts, this, "%SegmentsPrototype%.containing");
      const at = Math.trunc(Number(arguments[0])) || 0;
      if (at < 0 || at >= own.text.length) return undefined;
      let low = 0, high = own.found.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (own.found[middle][0] > at) high = middle;
        else low = middle + 1;
      }
      return segment(own, low);
    },
    *[Symbol.iterator]() {
      const own = slotsOf(texts, this, "%SegmentsPrototype%[Symbol.iterator]");
      for (let i = 0; i < own.found.length; i++) yield segment(own, i);
    },
  });

  return {
    Segmenter: exposed(Segmenter, {
      resolvedOptions() {
        const { asked, locale } = slotsOf(slots, this, "Intl.Segmenter.prototype.resolvedOptions");
        return { locale, granularity: asked.granularity };
      },
      segment(input) {
        const { asked } = slotsOf(slots, this, "Intl.Segmenter.prototype.segment");
        const text = `${input}`, made = create(segments);
        const found = known("segments.find", asked, native.utf8Encode(text.toWellFormed()));
        new texts(made, { text, found, granularity: asked.granularity });
        return made;
      },
    }),
  };
}
