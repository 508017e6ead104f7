import { expect, test } from "vitest";

import { mediaAction } from "./media-keys";

/** A player of a film of 100 seconds, at its 50th. */
function after(key: string, frameRate: number | null = null) {
  const media = {
    duration: 100,
    currentTime: 50,
    paused: false,
    muted: false,
    playbackRate: 1,
    play: () => (media.paused = false),
    pause: () => (media.paused = true),
  };
  mediaAction(key, frameRate)?.(media as unknown as HTMLMediaElement);
  return media;
}

test.each([
  ["j", 40],
  ["L", 60],
  ["ArrowLeft", 45],
  ["ArrowRight", 55],
  ["0", 0],
  ["9", 90],
])("%s leads to second %i", (key, second) => {
  expect(after(key).currentTime).toBe(second);
});

test("a frame lasts as long as the file says, and is shown without playing", () => {
  expect(after(".", 50)).toMatchObject({ currentTime: 50.02, paused: true });
  expect(after(",").currentTime).toBe(49.96);
});

test("keys play, mute and change the speed", () => {
  expect(after("k").paused).toBe(true);
  expect(after(" ").paused).toBe(true);
  expect(after("m").muted).toBe(true);
  expect(after(">").playbackRate).toBe(1.25);
  expect(after("<").playbackRate).toBe(0.75);
  expect(mediaAction("x", null)).toBeNull();
});
