export { createLinkOffer, type LinkCode, type LinkOffer, linkMeeting, parseLinkCode } from './offer.js'
export { answerLink, finishLink, type LinkAnswered, type LinkAnswerInput } from './primary.js'
export { confirmLink, type LinkJoined, openLinkAnswer } from './secondary.js'
