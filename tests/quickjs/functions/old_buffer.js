// Written for Node 8: new Buffer, string concatenation, == null, callbacks wrapped in promises
var crypt = crypto;
function sign(secret, text, callback) {
  process_next(function () {
    var hmac = crypt.createHmac('sha1', new Buffer(secret, 'utf8'));
    hmac.update(new Buffer(text)).update('\n');
    callback(null, hmac.digest('base64').replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, ''));
  });
}
function process_next(f) { setTimeout(f, 0) }

onTrack = function (event, settings) {
  return new Promise(function (resolve, reject) {
    if (event.properties == null) return reject(new InvalidEventPayload('no properties'));
    sign(settings.secret, JSON.stringify(event.properties), function (err, signature) {
      if (err) return reject(err);
      fetch('https://old.test/in?sig=' + signature, {
        method: 'post',
        headers: { Authorization: 'Basic ' + new Buffer(settings.user + ':' + settings.secret).toString('base64') },
        body: new Buffer([0x7b, 0x7d]).toString('binary')
      }).then(function (res) { return res.buffer() }).then(function (body) {
        resolve({ size: body.length, first: body.readUInt8(0), text: body.slice(1).toString('ascii') })
      }, reject);
    });
  });
};
