/** What all uploads together do: their speed, and the time that is left. */

/** Milliseconds over which the speed is measured, and between two samples. */
const WINDOW = 15_000;
const INTERVAL = 500;

interface Sample {
  time: number;
  bytes: number;
  files: number;
}

export interface Rate {
  /** Bytes per second. */
  speed: number;
  /** Seconds. */
  eta: number;
}

export class Totals {
  /** Null while it is unknown. */
  rate = $state.raw<Rate | null>(null);
  /** What is still to be done. */
  bytesLeft = 0;
  filesLeft = 0;
  #bytes = 0;
  #files = 0;
  #samples: Sample[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** More or, with negative numbers, less is to be done. */
  plan(files: number, bytes: number): void {
    this.filesLeft += files;
    this.bytesLeft += bytes;
  }

  /** So much was done. */
  done(files: number, bytes: number): void {
    this.#files += files;
    this.#bytes += bytes;
    const time = this.now();
    const last = this.#samples.at(-1);
    if (!last || time - last.time >= INTERVAL) this.#measure(time);
  }

  /** Nothing is sent any more: what comes next is measured again. */
  rest(): void {
    this.#samples = [];
    this.rate = null;
  }

  /** Nothing is to be done any more. */
  reset(): void {
    this.bytesLeft = this.filesLeft = 0;
    this.rest();
  }

  #measure(time: number): void {
    this.#samples = this.#samples.filter((sample) => sample.time > time - WINDOW);
    this.#samples.push({ time, bytes: this.#bytes, files: this.#files });
    const [first] = this.#samples;
    const seconds = first ? (time - first.time) / 1000 : 0;
    if (!first || seconds === 0 || this.#bytes <= first.bytes) return;
    const speed = (this.#bytes - first.bytes) / seconds;
    const filesPerSecond = (this.#files - first.files) / seconds;
    // Thousands of small files take as long as their number, not as their bytes.
    const byFiles = filesPerSecond ? this.filesLeft / filesPerSecond : 0;
    this.rate = { speed, eta: Math.max(this.bytesLeft / speed, byFiles) };
  }
}
