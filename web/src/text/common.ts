/** Texts of the frame around all pages. */

export const COMMON = {
  product: "CloudKeep",
  files: "Files",
  search: "Search",
  searchPlaceholder: "Search your files",
  starred: "Starred",
  trash: "Trash",
  account: "Account",
  navigation: "Main",
  skip: "Skip to the content",
  offline: "You are offline. Uploads go on by themselves.",
  paused: (wait: string) => `A short pause: going on in ${wait}`,
  retry: "Try again",
  dismiss: "Dismiss",
  cancel: "Cancel",
  close: "Close",
  requestId: (id: string) => `Request ${id}`,
  notFound: "There is nothing at this address.",
  toFiles: "Go to your files",
  storageUsed: (used: string, quota: string | null) => (quota ? `${used} of ${quota}` : used),
} as const;
