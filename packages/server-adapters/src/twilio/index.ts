export { type TwilioOtpOptions, twilioOtp } from './twilio-otp.js'
