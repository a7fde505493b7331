export { createLinkOffer, type LinkCode, type LinkOffer, type LinkPurpose, linkMeeting, parseLinkCode } from './offer.js'
export { answerLink, finishLink, type LinkAnswered, type LinkAnswerInput } from './primary.js'
export { acceptPromotion, confirmPromotion, type Handover, openHandover, type PromotionAgreed, sealHandover } from './promotion.js'
export { confirmLink, type LinkJoined, openLinkAnswer } from './secondary.js'
