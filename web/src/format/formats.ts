/** Formats of the browser, each made once: making one takes longer than a row of a list may. */

const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();

export function numberFormat(options: Intl.NumberFormatOptions, locale?: string): Intl.NumberFormat {
  return known(numbers, JSON.stringify([options, locale]), () => new Intl.NumberFormat(locale, options));
}

export function dateFormat(options: Intl.DateTimeFormatOptions, locale?: string): Intl.DateTimeFormat {
  return known(dates, JSON.stringify([options, locale]), () => new Intl.DateTimeFormat(locale, options));
}

function known<Format>(formats: Map<string, Format>, key: string, make: () => Format): Format {
  let format = formats.get(key);
  if (!format) formats.set(key, (format = make()));
  return format;
}
