// Uploads in a page. It has the global `client`, and is called with the token of a person.
(token) => {
  const chunkSize = 1024 * 1024
  const cloudkeep = client.createClient({ auth: { token: () => token } })
  const sha256 = async (blob) =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
  const noise = (size) => {
    const parts = Array.from({ length: size / 65536 }, () => crypto.getRandomValues(new Uint8Array(65536)))
    return new File(parts, 'noise.bin', { lastModified: Math.random() * 1e12 })
  }
  const stored = async (id) => {
    const { node } = await cloudkeep.request('query ($id: ID!) { node(id: $id) { ... on File { sha256 } } }', { id })
    return node.sha256
  }

  /** Begin an upload. The script can look at its progress meanwhile. */
  window.begin = (size) => {
    const file = noise(size)
    window.progress = []
    window.upload = cloudkeep.upload(file, { chunkSize, parallel: 2, onProgress: (each) => window.progress.push(each) })
    window.ended = upload.done.then(
      async ({ fileId }) => (await stored(fileId)) === (await sha256(file)),
      ({ code, message }) => code ?? message,
    )
    return null
  }
  window.told = (waitsFor) => window.progress.some((each) => each.waitsFor === waitsFor)
  window.partsOfChunks = () => window.progress.filter(({ stage, sent }) => stage === 'RECEIVING' && sent % chunkSize)
  return null
}
