/** The tabs that are open at first: from an account to a file in the drive. */
import { documents } from "./documents";

const PASSWORD = "correct horse battery";

/** Variables that an earlier answer fills in are empty. */
const variables = {
  register: { input: { userId: "ada", userName: "Ada", email: "ada@example.org", password: PASSWORD } },
  verifyOtp: { input: { registrationId: "", otp: "", cookies: true } },
  login: { input: { userId: "ada", password: PASSWORD, cookies: true } },
  initUpload: {
    input: { fileName: "hello.txt", size: 5, mimeType: "text/plain", direct: false },
  },
  slots: { uploadId: "" },
  progress: { uploadId: "" },
  file: { uploadId: "" },
  drive: undefined,
};

const tab = (name: keyof typeof documents): { query: string; variables?: string } => ({
  query: documents[name],
  ...(variables[name] && { variables: JSON.stringify(variables[name], null, 2) }),
});

export const TABS = [
  tab("register"),
  tab("verifyOtp"),
  tab("login"),
  tab("initUpload"),
  tab("slots"),
  tab("progress"),
  tab("file"),
  tab("drive"),
];
