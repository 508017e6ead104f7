/** Sizes as people read them. */
import { numberFormat } from "./formats";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;

/** A number of bytes in the largest unit that leaves one digit or more before the point; units are powers of 1,000. */
export function formatSize(bytes: number, locale?: string): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  const maximumFractionDigits = value < 10 ? 1 : 0;
  const unit = UNITS[power] ?? "byte";
  const unitDisplay = power === 0 ? "long" : "short";
  return numberFormat({ style: "unit", unit, unitDisplay, maximumFractionDigits }, locale).format(value);
}
