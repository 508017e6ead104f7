// What the programs of this folder share: they run one case with what the command line says, and print what it returns.
import { Session } from './session.js'
import { createSocket } from './websocket.js'

/** The status of each response, and how often tokens were swapped. */
export const seen = { statuses: [], refreshes: 0, connections: 0, closes: [], warnings: [] }

const fetch = globalThis.fetch
globalThis.fetch = async (url, options) => {
  if (String(options?.body).includes('refreshSession(')) seen.refreshes += 1
  const response = await fetch(url, options)
  seen.statuses.push(response.status)
  return response
}
console.warn = (...texts) => seen.warnings.push(texts.join(' '))
console.error = console.warn

// The test that runs this shows the last line of it.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error?.stack}\n${String(error?.message ?? error).replaceAll('\n', ' ')}\n`, () => process.exit(1))
})

export async function main(cases) {
  const { case: name, ...given } = JSON.parse(process.argv[2])
  setTimeout(() => Promise.reject(new Error(`The case does not end: ${JSON.stringify(seen)}`)), 120_000).unref()
  const result = await cases[name]({ ...given, ...connections(given) })
  process.stdout.write(JSON.stringify({ result: result ?? null, ...seen }), () => process.exit(0))
}

function connections({ url, tokens }) {
  const session = new Session(url)
  session.tokens = tokens
  const socket = createSocket(session, { retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)) })
  socket.on('connected', () => (seen.connections += 1))
  socket.on('closed', ({ code }) => seen.closes.push(code))
  return { session, socket }
}

export const EXPENSIVE = `mutation ($uploadId: ID!) {
  retryUpload(input: { uploadId: $uploadId }) { userErrors { code } } }`

/** Call, with unknown IDs, until the server has refused a call for its price. Each call has to end well. */
export async function exhaust(call) {
  const results = []
  const ids = Array.from({ length: 60 }, (_, number) => `unknown-${number}`)
  while (!seen.statuses.includes(429)) results.push(...(await Promise.all(ids.map((id) => call(id)))))
  return results
}
/** Follow an upload by `watch`, which passes on what it gets, and send its only chunk once `ready` is true. */
export async function follow(upload, watch, ready) {
  const frames = []
  const ended = new Promise((complete, error) => watch(upload.id, { next: (frame) => frames.push(frame), error, complete }))
  await Promise.race([ended, until(() => frames.length && ready())])
  await fetch(upload.slots.nodes[0].url, { method: 'PUT', body: 'abc' })
  await ended
  return frames
}

export async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}
