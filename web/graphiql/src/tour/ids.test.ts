import { expect, test } from "vitest";
import { fillIn, hearIds } from "./ids";

const began = (id: string) => ({ data: { initUpload: { upload: { id } } } });

test("an ID of an answer goes into the variables that are empty or had an earlier one", () => {
  expect(fillIn('{"uploadId": ""}')).toBeNull();
  hearIds(began("upload_1"));
  expect(JSON.parse(fillIn('{"uploadId": "", "other": ""}') ?? "")).toEqual({ uploadId: "upload_1", other: "" });
  hearIds(began("upload_2"));
  expect(JSON.parse(fillIn('{"input": {"uploadId": "upload_1"}}') ?? "")).toEqual({ input: { uploadId: "upload_2" } });
});

test("what somebody has typed stays", () => {
  hearIds(began("upload_3"));
  expect(fillIn('{"uploadId": "mine"}')).toBeNull();
  expect(fillIn("not JSON")).toBeNull();
});

test("an answer without the ID changes nothing", () => {
  hearIds(began("upload_4"));
  hearIds({ data: null });
  hearIds({ data: { initUpload: { upload: null } } });
  expect(fillIn('{"uploadId": ""}')).toContain("upload_4");
});
