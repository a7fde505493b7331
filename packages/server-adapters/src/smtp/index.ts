export { type SmtpOtpOptions, type SmtpTransport, smtpOtp } from './smtp-otp.js'
