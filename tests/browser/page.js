// The page under test: it uploads one file and reports every event to the server of the page.
import { createUppy } from './uppy.js'

const tell = (event) => fetch('/events', { method: 'POST', body: JSON.stringify(event) })
const failed = (error) => tell({ kind: 'error', message: String(error?.stack ?? error) })
addEventListener('error', ({ error }) => failed(error))
addEventListener('unhandledrejection', ({ reason }) => failed(reason))

const { url, token, chunkSize, name, lastModified, cancel } = await (await fetch('/orders')).json()
const data = new File([await (await fetch('/file')).blob()], name, { lastModified })
const uppy = createUppy({ url, chunkSize, token: () => token })
let parts = 0

uppy.on('upload-error', (_, error) => failed(error))
uppy.on('s3-multipart:part-uploaded', (_, part) => {
  tell({ kind: 'part', index: part.PartNumber - 1, etag: part.ETag })
  if (++parts === cancel) uppy.cancelAll()
})

uppy.addFile({ name, data, type: 'application/octet-stream' })
const { successful = [] } = (await uppy.upload()) ?? {}
await tell({ kind: 'end', locations: successful.map((file) => file.uploadURL) })
