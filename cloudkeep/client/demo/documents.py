"""The GraphQL documents of the demo that ``cloudkeep upload`` does not need."""

REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) {
    registration { id email expiresAt }
    userErrors { field code message }
  }
}"""
VERIFY_OTP = """mutation ($input: VerifyOtpInput!) {
  verifyOtp(input: $input) {
    session { accessToken refreshToken account { userId } }
    userErrors { field code message }
  }
}"""
FILE = """query ($id: ID!) {
  upload(id: $id) {
    status
    file { id name size sha256 download { url } renditions { size sha256 download { url } } }
  }
}"""
ABORT_UPLOAD = """mutation ($input: AbortUploadInput!) {
  abortUpload(input: $input) { upload { status } userErrors { code message } }
}"""

ALL = (REGISTER, VERIFY_OTP, FILE, ABORT_UPLOAD)
