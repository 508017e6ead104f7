/** The keys of the player. */

/** What a key does with a player; null if it is no key of it. */
export type MediaAction = (media: HTMLMediaElement) => void;

/** One frame, where the file does not tell how long it lasts. */
const FRAME = 1 / 25;
const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export function mediaAction(key: string, frameRate: number | null): MediaAction | null {
  const digit = /^[0-9]$/.test(key) ? Number(key) : null;
  if (digit !== null) return (media) => seek(media, (media.duration * digit) / 10);
  const frame = frameRate ? 1 / frameRate : FRAME;
  switch (key.toLowerCase()) {
    case "k":
    case " ":
      return (media) => void (media.paused ? media.play() : media.pause());
    case "j":
      return (media) => seek(media, media.currentTime - 10);
    case "l":
      return (media) => seek(media, media.currentTime + 10);
    case "arrowleft":
      return (media) => seek(media, media.currentTime - 5);
    case "arrowright":
      return (media) => seek(media, media.currentTime + 5);
    case ",":
      return (media) => step(media, -frame);
    case ".":
      return (media) => step(media, frame);
    case "m":
      return (media) => (media.muted = !media.muted);
    case "f":
      return (media) => void toggleFullscreen(media);
    case "<":
      return (media) => changeRate(media, -1);
    case ">":
      return (media) => changeRate(media, 1);
    default:
      return null;
  }
}

function seek(media: HTMLMediaElement, to: number): void {
  if (Number.isFinite(media.duration)) media.currentTime = Math.max(0, Math.min(media.duration, to));
}

/** A single frame is seen only while nothing plays. */
function step(media: HTMLMediaElement, seconds: number): void {
  media.pause();
  seek(media, media.currentTime + seconds);
}

function changeRate(media: HTMLMediaElement, steps: number): void {
  const place = RATES.findIndex((rate) => rate >= media.playbackRate) + steps;
  media.playbackRate = RATES[Math.max(0, Math.min(RATES.length - 1, place))] ?? 1;
}

async function toggleFullscreen(media: HTMLMediaElement): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await media.requestFullscreen();
}
