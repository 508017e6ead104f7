/** The operations of uploads. */
import { document } from "../documents";
import type { UserError } from "../errors";
import type { ServerProgress } from "./options";

export type Status = ServerProgress["stage"];

/** An upload as the server knows it. */
export interface UploadState {
  id: string;
  status: Status;
  receivedChunks: number;
  receivedBytes: number;
  chunkCount: number;
  direct: boolean;
  error: { code: string; message: string } | null;
}

export interface Slot {
  index: number;
  offset: number;
  size: number;
  received: boolean;
  url: string;
}

interface Payload {
  upload: UploadState | null;
  userErrors: UserError[];
}

interface ById {
  id: string;
}

const STATE = "id status receivedChunks receivedBytes chunkCount direct error { code message }";
const SLOT = "index offset size received url";
const ERRORS = "userErrors { field message code }";

export const INIT_UPLOAD = document<{ payload: Payload }, { input: Record<string, unknown> }>(
  `mutation ClientInitUpload($input: InitUploadInput!) { payload: initUpload(input: $input) { upload { ${STATE} } ${ERRORS} } }`,
);

interface StartedUpload {
  upload: { id: string; status: Status; direct: boolean; slot: { url: string } | null } | null;
}

export const INIT_UPLOADS = document<{ payload: { results: StartedUpload[] } }, { input: { uploads: unknown[] } }>(
  `mutation ClientInitUploads($input: InitUploadsInput!) {
    payload: initUploads(input: $input) { results { upload { id status direct slot(index: 0) { url } } } }
  }`,
);

interface StoredUpload {
  id: string;
  status: Status;
  error: UploadState["error"];
  file: { id: string } | null;
}

export const UPLOADS = document<{ uploads: (StoredUpload | null)[] }, { ids: string[] }>(
  `query ClientUploads($ids: [ID!]!) { uploads: uploadsByIds(ids: $ids) { id status error { code message } file { id } } }`,
);

export const UPLOAD = document<{ upload: UploadState | null }, ById>(
  `query ClientUpload($id: ID!) { upload(id: $id) { ${STATE} } }`,
);

export const UPLOADED_FILE = document<{ upload: { file: { id: string } | null } | null }, ById>(
  "query ClientUploadedFile($id: ID!) { upload(id: $id) { file { id } } }",
);

interface SlotPage {
  nodes: Slot[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export const MISSING_SLOTS = document<{ upload: { slots: SlotPage } | null }, ById & { after: string | null }>(
  `query ClientMissingSlots($id: ID!, $after: String) {
    upload(id: $id) { slots(first: 64, after: $after, missing: true) { nodes { ${SLOT} } pageInfo { hasNextPage endCursor } } }
  }`,
);

interface Nodes {
  nodes: Slot[];
}

export const OUTER_SLOTS = document<{ upload: { first: Nodes; last: Nodes } | null }, ById>(
  `query ClientOuterSlots($id: ID!) {
    upload(id: $id) { first: slots(first: 1) { nodes { ${SLOT} } } last: slots(last: 1) { nodes { ${SLOT} } } }
  }`,
);

export interface ChunkReport {
  index: number;
  etag: string;
  sha256: string;
}

export const REPORT_CHUNKS = document<
  { payload: { userErrors: UserError[] } },
  { input: { uploadId: string; chunks: ChunkReport[] } }
>(`mutation ClientReportChunks($input: ReportChunksInput!) { payload: reportChunks(input: $input) { ${ERRORS} } }`);

export const UPLOAD_PROGRESS = document<{ uploadProgress: ServerProgress }, ById>(
  `subscription ClientUploadProgress($id: ID!) {
    uploadProgress(uploadId: $id) { stage percent etaSeconds speed waitsFor }
  }`,
);
