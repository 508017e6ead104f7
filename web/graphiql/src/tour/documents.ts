/** The operations of the tabs that are open at first, with a comment above each. */
import { text } from "../text";

const commented = (comment: string, document: string): string =>
  `${comment.replaceAll(/^/gm, "# ")}\n\n${document.trim()}\n`;

export const documents = {
  register: commented(
    text.tour.register,
    `
mutation Register($input: RegisterInput!) {
  register(input: $input) {
    registration { id email expiresAt }
    userErrors { field message code }
  }
}`,
  ),
  verifyOtp: commented(
    text.tour.verifyOtp,
    `
mutation VerifyOtp($input: VerifyOtpInput!) {
  verifyOtp(input: $input) {
    session { account { id userId userName email } }
    userErrors { field message code }
  }
}`,
  ),
  login: commented(
    text.tour.login,
    `
mutation Login($input: LoginInput!) {
  login(input: $input) {
    session { account { id userId userName email } }
    userErrors { field message code }
  }
}`,
  ),
  initUpload: commented(
    text.tour.initUpload,
    `
mutation InitUpload($input: InitUploadInput!) {
  initUpload(input: $input) {
    upload {
      id
      status
      direct
      chunkSize
      chunkCount
      slots(first: 100) { nodes { index offset size received url } }
    }
    userErrors { field message code }
  }
}`,
  ),
  slots: commented(
    text.tour.slots,
    `
query Slots($uploadId: ID!) {
  upload(id: $uploadId) {
    status
    receivedChunks
    receivedBytes
    slots(missing: true) {
      nodes { index offset size url urlExpiresAt }
      pageInfo { hasNextPage endCursor }
    }
  }
}`,
  ),
  progress: commented(
    text.tour.progress,
    `
subscription Progress($uploadId: ID!) {
  uploadProgress(uploadId: $uploadId) {
    stage
    percent
    bytesDone
    bytesTotal
    speed
    etaSeconds
    waitsFor
  }
}`,
  ),
  file: commented(
    text.tour.file,
    `
query UploadedFile($uploadId: ID!) {
  upload(id: $uploadId) {
    status
    error { code message }
    file {
      id
      name
      size
      mimeType
      sha256
      media { duration width height videoCodec audioCodec }
      download { url expiresAt }
      renditions {
        recipe
        size
        mimeType
        download { url }
      }
    }
  }
}`,
  ),
  drive: commented(
    text.tour.drive,
    `
query Drive {
  me { userId storage { quota used reserved } }
  root {
    items(first: 20) {
      nodes {
        id
        name
        path
        updatedAt
        ... on Folder { itemCount }
        ... on File { size kind }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`,
  ),
};
