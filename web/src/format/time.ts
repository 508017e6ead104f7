/** Times and durations as people read them. */

import { dateFormat, numberFormat } from "./formats";

const DAY = 86_400_000;

/** When something happened: the time of today, the day of this year, or the date. */
export function formatMoment(iso: string, now = new Date(), locale?: string): string {
  const date = new Date(iso);
  if (date.toDateString() === now.toDateString()) return format(date, { hour: "numeric", minute: "2-digit" }, locale);
  if (now.getTime() - date.getTime() < 6 * DAY && date < now) {
    return format(date, { weekday: "short", hour: "numeric", minute: "2-digit" }, locale);
  }
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return format(date, { day: "numeric", month: "short", year }, locale);
}

/** The length of a film or a piece of music, such as 1:02:03. */
export function formatLength(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const tail = `${pad(rest)}`;
  return hours ? `${hours}:${pad(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** About how long something takes: seconds, minutes or hours. */
export function formatWait(seconds: number, locale?: string): string {
  if (seconds < 60) return unit(Math.max(1, Math.ceil(seconds)), "second", locale);
  if (seconds < 3600) return unit(Math.ceil(seconds / 60), "minute", locale);
  return unit(Math.ceil(seconds / 3600), "hour", locale);
}

/** A time that something is kept: days if it is whole ones, else about hours, minutes or seconds. */
export function formatTime(seconds: number, locale?: string): string {
  const days = seconds / 86_400;
  return Number.isInteger(days) ? unit(days, "day", locale) : formatWait(seconds, locale);
}

function format(date: Date, options: Intl.DateTimeFormatOptions, locale?: string): string {
  return dateFormat(options, locale).format(date);
}

function unit(value: number, name: "second" | "minute" | "hour" | "day", locale?: string): string {
  return numberFormat({ style: "unit", unit: name, unitDisplay: "long" }, locale).format(value);
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
