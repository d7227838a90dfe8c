// How many digits of a number are shown, and how it is rounded to them (ECMA-402, SetNumberFormatDigitOptions).
(native, shared) => {
  "use strict";
  const { choice, whole } = shared.use("intl/requests");
  const INCREMENTS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000];
  const MODES = ["ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"];
  const MOST_FRACTION = 20;

  function fraction(into, least, most, usualLeast, usualMost) {
    let fewest = whole(least, "minimumFractionDigits", 0, MOST_FRACTION);
    let greatest = whole(most, "maximumFractionDigits", 0, MOST_FRACTION);
    if (fewest === undefined) fewest = greatest === undefined ? usualLeast : Math.min(usualLeast, greatest);
    if (greatest === undefined) greatest = Math.max(usualMost, fewest);
    if (fewest > greatest) throw new RangeError("maximumFractionDigits value is out of range.");
    into.minimumFractionDigits = fewest;
    into.maximumFractionDigits = greatest;
  }

  function significant(into, least, most) {
    into.minimumSignificantDigits = whole(least, "minimumSignificantDigits", 1, 21, 1);
    into.maximumSignificantDigits = whole(most, "maximumSignificantDigits", into.minimumSignificantDigits, 21, 21);
  }

  /** Reads the options about digits into a request; usual says how many a fraction has where they say nothing. */
  return (into, options, usualLeast, usualMost, notation, service) => {
    into.minimumIntegerDigits = whole(options.minimumIntegerDigits, "minimumIntegerDigits", 1, 21, 1);
    const leastFraction = options.minimumFractionDigits, mostFraction = options.maximumFractionDigits;
    const leastSignificant = options.minimumSignificantDigits, mostSignificant = options.maximumSignificantDigits;
    const priority = choice(options, "roundingPriority", ["auto", "morePrecision", "lessPrecision"], "auto", service);
    const increment = whole(options.roundingIncrement, "roundingIncrement", 1, 5000, 1);
    if (!INCREMENTS.includes(increment)) throw new RangeError("roundingIncrement value is out of range.");
    into.roundingMode = choice(options, "roundingMode", MODES, "halfExpand", service);
    into.trailingZeroDisplay = choice(options, "trailingZeroDisplay", ["auto", "stripIfInteger"], "auto", service);
    into.roundingIncrement = increment;
    if (increment !== 1) usualMost = usualLeast;
    const bySignificant = leastSignificant !== undefined || mostSignificant !== undefined;
    const byFraction = leastFraction !== undefined || mostFraction !== undefined;
    const needSignificant = priority !== "auto" || bySignificant;
    const needFraction = priority !== "auto" || (!needSignificant && (byFraction || notation !== "compact"));
    if (needSignificant) significant(into, leastSignificant, mostSignificant);
    if (needFraction) fraction(into, leastFraction, mostFraction, usualLeast, usualMost);
    if (!needSignificant && !needFraction) into.rounding = "compact";
    else if (priority !== "auto") into.rounding = priority;
    else into.rounding = needSignificant ? "significantDigits" : "fractionDigits";
    if (increment === 1) return;
    if (into.rounding !== "fractionDigits") throw new TypeError("RoundingType is not fractionDigits");
    if (into.maximumFractionDigits !== into.minimumFractionDigits) {
      throw new RangeError("maximumFractionDigits not equal to minimumFractionDigits");
    }
  };
}
