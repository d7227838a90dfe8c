// Numbers made alike, ids made of them; libraries under shorter names
uuidv5 = uuidv5.uuidv5;
const { parsePhoneNumberFromString, isValidPhoneNumber } = libphonenumberjslib.libphonenumberjs;
const CryptoJS = cryptojslib.cryptojs;
async function onIdentify(event, settings) {
  const phone = parsePhoneNumberFromString(event.traits.phone || '', settings.country);
  if (!phone || !phone.isValid()) throw new InvalidEventPayload(`${event.traits.phone} is no phone number`);
  const secret = CryptoJS.AES.encrypt(phone.number, settings.passphrase).toString();
  return {
    id: String(uuidv5('url', `https://people.test/${phone.number}`)), e164: phone.format('E.164'), country: phone.country, national: phone.formatNational(), uri: phone.getURI(), valid: isValidPhoneNumber('123', 'US'),
    back: CryptoJS.AES.decrypt(secret, settings.passphrase).toString(CryptoJS.enc.Utf8), md5: CryptoJS.MD5(phone.number).toString(), salted: atob(secret).startsWith('Salted__')
  };
}
