/** Measures an upload, and tells its progress at most ten times a second. */
import type { Progress, ServerProgress, Stage } from "./options";

const INTERVAL = 100;
/** Milliseconds over which the speed is measured. */
const WINDOW = 15_000;

export class Meter {
  #stage: Stage = "RECEIVING";
  #done = 0;
  #underWay = new Map<number, number>();
  #samples: { time: number; bytes: number }[] = [];
  #server: ServerProgress | null = null;
  #wait: { code: string; until: number | null } | null = null;
  #told = -INTERVAL;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly size: number,
    private readonly tell: ((progress: Progress) => void) | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A stage of this client begins, with so many bytes done. */
  begin(stage: "HASHING" | "RECEIVING", done: number): void {
    this.#stage = stage;
    this.#server = null;
    this.#done = done;
    this.#underWay.clear();
    this.#samples = [];
    this.#measure();
  }

  /** So many bytes of a chunk are under way. */
  move(index: number, bytes: number): void {
    this.#underWay.set(index, bytes);
    this.#measure(bytes);
  }

  /** A chunk is no longer under way: so many bytes of it have arrived. */
  settle(index: number, bytes: number): void {
    this.#underWay.delete(index);
    this.#done += bytes;
    this.#measure(bytes);
  }

  /** Nothing happens for some seconds, or until an unknown time. */
  wait(code: string, seconds: number | null): void {
    this.#wait = { code, until: seconds === null ? null : this.now() + seconds * 1000 };
    this.#samples = [];
    this.#update();
  }

  /** The server has told its progress. */
  follow(progress: ServerProgress): void {
    this.#stage = progress.stage;
    this.#server = progress;
    this.#wait = progress.waitsFor ? { code: progress.waitsFor, until: null } : null;
    this.#update();
  }

  /** The upload has ended: tell the last stage at once, if there is one, and nothing more. */
  end(stage: Stage | null): void {
    clearTimeout(this.#timer);
    if (!stage) return;
    this.#stage = stage;
    this.#wait = null;
    if (stage === "READY") this.#done = this.size;
    this.#emit();
  }

  #measure(moved = 0): void {
    if (moved) this.#wait = null;
    const time = this.now();
    this.#samples = this.#samples.filter((sample) => sample.time > time - WINDOW);
    this.#samples.push({ time, bytes: this.#sent });
    this.#update();
  }

  get #sent(): number {
    const underWay = [...this.#underWay.values()].reduce((sum, bytes) => sum + bytes, 0);
    return Math.min(this.size, this.#done + underWay);
  }

  #update(): void {
    this.#timer ??= setTimeout(() => this.#emit(), Math.max(0, this.#told + INTERVAL - this.now()));
  }

  #emit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = this.now();
    this.tell?.(this.#progress());
  }

  #progress(): Progress {
    const sent = this.#sent;
    const speed = this.#server ? (this.#server.speed ?? null) : this.#speed(sent);
    const percent = this.size ? (100 * sent) / this.size : 100;
    const until = this.#wait?.until ?? null;
    return {
      stage: this.#stage,
      percent: this.#stage === "READY" ? 100 : (this.#server?.percent ?? percent),
      sent,
      size: this.size,
      speed,
      eta: this.#server ? (this.#server.etaSeconds ?? null) : speed && (this.size - sent) / speed,
      waitsFor: this.#wait?.code ?? null,
      retryAfter: until === null ? null : Math.max(0, (until - this.now()) / 1000),
    };
  }

  #speed(sent: number): number | null {
    const [first] = this.#samples;
    const seconds = first ? (this.now() - first.time) / 1000 : 0;
    return first && seconds > 0.2 && sent > first.bytes ? (sent - first.bytes) / seconds : null;
  }
}
