/** How many chunks are sent at the same time: more as long as that is faster. */

const FIRST = 2;
/** A rise of the speed that is more than noise. */
const PAYS = 1.05;
/** Chunks after which one more is tried again. */
const TRY_AGAIN = 32;

export class Width {
  value: number;
  #max: number;
  #since: number;
  #bytes = 0;
  #chunks = 0;
  #best = 0;
  #hasGrown = false;
  #resting = 0;

  constructor(max: number, now: number) {
    this.#max = Math.max(1, max);
    this.value = Math.min(FIRST, this.#max);
    this.#since = now;
  }

  /** A chunk has arrived. */
  arrived(bytes: number, now: number): void {
    this.#bytes += bytes;
    this.#chunks++;
    this.#resting--;
    if (this.#chunks < 2 * this.value) return;
    const speed = this.#bytes / Math.max(1, now - this.#since);
    this.#start(now);
    this.#compare(speed);
  }

  /** A chunk was refused or lost: go on with one at a time, and measure again. */
  failed(now: number): void {
    this.value = 1;
    this.#best = 0;
    this.#hasGrown = false;
    this.#resting = 0;
    this.#start(now);
  }

  #start(now: number): void {
    this.#since = now;
    this.#bytes = 0;
    this.#chunks = 0;
  }

  #compare(speed: number): void {
    const pays = speed > this.#best * PAYS;
    if (this.#hasGrown && !pays) {
      this.value--;
      this.#resting = TRY_AGAIN;
    }
    const grows = this.#resting <= 0 && this.value < this.#max;
    this.#best = speed;
    this.#hasGrown = grows;
    if (grows) this.value++;
  }
}
