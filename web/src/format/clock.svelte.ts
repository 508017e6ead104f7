/** The time, for texts that count down. */
import { createSubscriber } from "svelte/reactivity";

const eachSecond = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

/** The time in milliseconds. What shows it is drawn again each second. */
export function now(): number {
  eachSecond();
  return Date.now();
}
