export { createLinkOffer, type LinkCode, type LinkOffer, parseLinkCode } from './offer.js'
export { answerLink, finishLink, type LinkAnswered, type LinkAnswerInput } from './primary.js'
export { confirmLink, type LinkJoined, openLinkAnswer } from './secondary.js'
