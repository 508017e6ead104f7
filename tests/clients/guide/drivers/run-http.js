import { EXPENSIVE, exhaust, follow, main, seen } from './driver.js'
import { newestFirst, oldestFirst } from './pages.js'
import { subscribe } from './websocket.js'

const ME = '{ me { userId } }'
const PROGRESS = 'subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage } }'

const names = async (pages) => {
  const found = []
  for await (const { name } of pages) found.push(name)
  return found
}

const watching = (socket) => (id, sink) =>
  subscribe(socket, { query: PROGRESS, variables: { id } }, { ...sink, next: ({ data }) => sink.next(data.uploadProgress.stage) })

main({
  async signIn({ session, name, password }) {
    await session.signIn(name, password)
    return (await session.execute(ME)).data.me.userId
  },
  wrongPassword: ({ session, name }) => session.signIn(name, 'wrong').catch(({ code }) => code),
  async renew({ session }) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => session.execute(ME)))
    return answers.map(({ data }) => data.me.userId)
  },
  async ended({ session }) {
    session.tokens.refreshToken = 'unknown'
    return session.execute(ME).catch(({ code }) => code)
  },
  async wait({ session }) {
    const answers = await exhaust((uploadId) => session.execute(EXPENSIVE, { uploadId }))
    return answers.map(({ data }) => data.retryUpload.userErrors[0].code)
  },
  pages: async ({ session }) => [await names(newestFirst(session)), await names(oldestFirst(session))],
  expiring: ({ socket, upload }) => follow(upload, watching(socket), () => seen.connections > 1),
  refused: ({ socket, upload }) => follow(upload, watching(socket), () => true),
})
