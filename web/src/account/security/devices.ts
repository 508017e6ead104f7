/** Devices in words, by the `User-Agent` that their programs send. */
import { SESSIONS } from "../../text/account";

/** The first that fits counts: Edge and Opera also say Chrome, and Chrome also says Safari. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bcloudkeep\//i, "cloudkeep (command line)"],
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFxiOS\/|\bFirefox\//, "Firefox"],
  [/\bCriOS\/|\b(?:Headless)?Chrom(?:e|ium)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/\bcurl\//, "curl"],
  [/\bpython-/i, "Python"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "Mac"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

/** What a program says about itself, in words: "Firefox on Windows". */
export function deviceOf(userAgent: string | null | undefined): string {
  if (!userAgent) return SESSIONS.unknownDevice;
  const program = nameIn(PROGRAMS, userAgent) ?? /^[\w.-]{1,40}/.exec(userAgent)?.[0] ?? SESSIONS.unknownDevice;
  const system = nameIn(SYSTEMS, userAgent);
  return system ? SESSIONS.on(program, system) : program;
}

function nameIn(names: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
