// Certificates that a test needs: for any name, and for any time, the past included.
//
// Not here: chains; each signs itself.

import { createSign, generateKeyPairSync } from "node:crypto";

const ECDSA_SHA256 = "06082a8648ce3d040302";
const COMMON_NAME = "0603550403";
const ALTERNATIVE_NAMES = "0603551d11";
const BASIC_CONSTRAINTS = "0603551d13";

/** A self-signed certificate in PEM with its key: `name` is the host, `from` and `to` are dates. */
export function certificate({ name = "localhost", from = days(-1), to = days(365) } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(Buffer.from(ECDSA_SHA256, "hex"));
  const subject = sequence(tagged(0x31, sequence(Buffer.from(COMMON_NAME, "hex"), tagged(0x0c, Buffer.from(name)))));
  const extension = (oid, value) => sequence(Buffer.from(oid, "hex"), tagged(0x04, value));
  const extensions = sequence(
    extension(ALTERNATIVE_NAMES, sequence(tagged(0x82, Buffer.from(name)))),
    extension(BASIC_CONSTRAINTS, sequence(tagged(0x01, Buffer.from([0xff])))),
  );
  const signed = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // X.509 version 3
    tagged(0x02, Buffer.from([1])),
    algorithm,
    subject,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, extensions),
  );
  const signature = createSign("sha256").update(signed).sign(privateKey);
  const whole = sequence(signed, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

/** So many days from now. */
export function days(count) {
  return new Date(Date.now() + count * 86_400_000);
}

const sequence = (...parts) => tagged(0x30, Buffer.concat(parts));

function tagged(tag, content) {
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const time = (date) => tagged(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, "")));
