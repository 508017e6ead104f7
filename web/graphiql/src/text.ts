/** Everything that the page says in its own words. */

const number = (value: number, digits = 0): string => value.toLocaleString("en", { maximumFractionDigits: digits });
const points = (value: number): string => (value === 1 ? "1 point" : `${number(value)} points`);

export const text = {
  number,
  home: "CloudKeep",
  noGraphQL: (status: number) => `The server answered with the status ${status}, and not with GraphQL.`,
  socketClosed: (code: number, reason: string) => `The server closed the WebSocket: ${code} ${reason}`.trim(),

  cost: {
    title: "Cost",
    none: "A valid operation shows its price here while you type.",
    low: "The price is not asked for: few points are left, and to ask costs some.",
    price: (value: number) => `Price: ${points(value)}`,
    maximum: (value: number) =>
      `The most that the operation can cost. What it does not use is given back. No operation may cost more than ${points(value)}.`,
    fields: {
      caption: "Price by field, and with what is below it",
      field: "Field",
      times: "Times",
      cost: "Points",
      total: "Total",
    },
    lastRun: "Last run",
    ran: (requested: number, actual: number | null) =>
      actual === null
        ? `Not run. Its price is ${points(requested)}.`
        : `It cost ${points(actual)}, and ${points(requested)} were reserved.`,
    budgets: "Budgets",
    layers: {
      account: "Your account",
      address: "Your network address",
      anonymous: "Your address, without a sign-in",
      token: "The API token",
    } as Record<string, string>,
    left: (remaining: number, limit: number, rate: number) =>
      `${number(remaining)} of ${number(limit)} left, ${number(rate, 2)} more each second`,
    line: (bucket: { currentlyAvailable: number; maximumAvailable: number }) =>
      `${number(bucket.currentlyAvailable)} of ${points(bucket.maximumAvailable)} left`,
    rules: "What costs points",
    ruleOfObjects:
      "Each object in the answer costs 1 point, and so does each field that returns objects. Where it is more or less, the documentation says so. What is in a list is multiplied by the length of the list.",
  },

  docs: {
    /** What the schema's own descriptions begin a price with. */
    priceMark: "Price:",
    price: (weight: number) => `Price: ${points(weight)}.`,
    list: (names: string[], length?: number) => {
      const given = names.map((name) => `\`${name}\``).join(" or ");
      if (!given) return `Its price counts ${number(length ?? 1)} items.`;
      return `Its price counts ${given} items${length === undefined ? "" : `, or ${number(length)} without`}.`;
    },
  },

  files: {
    title: "Files",
    choose: "Choose files to upload",
    drop: (most: number) => `Drop files here, up to ${most}, to make an operation for each.`,
    waiting: "Run the operation: then the bytes are sent.",
    sending: "Sending",
    sent: "Sent. The next tabs show what becomes of it.",
    failed: (reason: string) => `Not sent: ${reason}`,
    progress: (name: string) => `Sending ${name}`,
    tryAgain: "Try again",
    remove: "Remove",
    removeNamed: (name: string) => `Remove ${name}`,
    stop: "Stop",
    stopNamed: (name: string) => `Stop sending ${name}`,
    stopped: "It was stopped.",
    noAnswer: "The server does not answer.",
    status: (status: number) => `The server answered with the status ${status}.`,
    noSlots: "The answer has no slots. Select index, offset, size and url of them, and run it again.",
    direct: "The upload is direct: its chunks go to S3, which this page may not call. Run it with direct: false.",
  },

  /** The comments above the first operations. The editor wraps their lines. */
  tour: {
    register: `1. An account. Choose your own values in Variables below, and run this: Ctrl-Enter.
The server mails a code of 6 digits. One that sends no mail prints it where it runs.`,
    verifyOtp: `2. The code. Put it into Variables below, as the otp, and run this.
With cookies: true the session is a cookie of this page. A token works as well, in Headers below:
{ "Authorization": "Bearer TOKEN" }`,
    login: `If you have an account: run this instead of 1 and 2.`,
    initUpload: `3. An upload. Drop a file onto this page: its name, size and type appear in Variables below.
Then run this. The answer has a slot for each chunk of the file, and the page sends the chunks.
For a smaller copy of a video, add this to the input:
"compress": { "preset": "BALANCED" }`,
    slots: `4. The slots that wait for their bytes. Each has a signed URL, which needs no token:
curl -T PART URL`,
    progress: `5. What becomes of the upload, over a WebSocket, until it is READY. The button with the square stops it earlier.`,
    file: `6. The file, as soon as it is READY, and its smaller copy if there is one. Open the signed URLs in another tab.`,
    drive: `7. Your drive. The documentation, the first button at the left, describes every field and its price.`,
  },
};
