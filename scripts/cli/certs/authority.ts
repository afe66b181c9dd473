/**
 * Certificates for tests and demonstrations: an authority, and what it issues. Keys are of the curve P-256,
 * which takes a millisecond where RSA takes a second. Nothing here is meant to guard anything of worth: the
 * authority's key lies beside the certificates.
 * Source: RFC 5280 (certificates), RFC 5480 and 5758 (the curve in them).
 */
import { createHash, generateKeyPair, randomBytes, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { addressBytes } from '../../../coordinator-client/tree/acl.ts';
import { bitString, bool, integer, objectId, octets, sequence, set, tagged, utcTime, utf8 } from './der.ts';

/** In PEM, as Kafka's PEM stores take them. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

interface Validity {
  readonly from: Date;
  readonly to: Date;
}

interface Wanted {
  /** What stands before the others in the name: `CN=…`. */
  readonly commonName: string;
  /** Names and addresses that the certificate is good for. */
  readonly hosts: readonly string[];
  readonly validity: Validity;
}

const ORGANISATION = 'Odradek';
const CURVE = 'P-256';
const ID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  organizationName: '2.5.4.10',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;
/** Places among the alternative names. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;
/** Version 3. */
const VERSION = Buffer.from([2]);
/** keyCertSign and cRLSign; digitalSignature. Bits are counted from the first. */
const SIGNS_CERTIFICATES = bitString(Buffer.from([0b0000_0110]), 1);
const SIGNS = bitString(Buffer.from([0b1000_0000]), 7);
const SIGNATURE = sequence(objectId(ID.ecdsaWithSha256));

const generate = promisify(generateKeyPair);

export async function createAuthority(commonName: string, validity: Validity): Promise<CertificateAndKey> {
  const wanted = { commonName, hosts: [], validity };
  return made(wanted, null, [
    extension(ID.basicConstraints, sequence(bool(true)), 'critical'),
    extension(ID.keyUsage, SIGNS_CERTIFICATES, 'critical'),
  ]);
}

/** For servers and for clients alike. */
export async function issue(authority: CertificateAndKey, wanted: Wanted): Promise<CertificateAndKey> {
  const names = wanted.hosts.map((host) => {
    const address = addressBytes(host);
    return address === null
      ? tagged(DNS_NAME, Buffer.from(host, 'latin1'), false)
      : tagged(IP_ADDRESS, Buffer.from(address), false);
  });
  return made(wanted, authority, [
    extension(ID.basicConstraints, sequence()),
    extension(ID.keyUsage, SIGNS, 'critical'),
    extension(ID.extKeyUsage, sequence(objectId(ID.serverAuth), objectId(ID.clientAuth))),
    ...(names.length === 0 ? [] : [extension(ID.subjectAltName, sequence(...names))]),
  ]);
}

async function made(
  { commonName, validity }: Wanted,
  authority: CertificateAndKey | null,
  extensions: readonly Buffer[],
): Promise<CertificateAndKey> {
  const { publicKey, privateKey } = await generate('ec', {
    namedCurve: CURVE,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const issuer = authority === null ? null : new X509Certificate(authority.certificate);
  const issuerKey = issuer?.publicKey.export({ type: 'spki', format: 'der' }) ?? publicKey;
  const own = nameOf(commonName);
  const all = [
    ...extensions,
    extension(ID.subjectKeyIdentifier, octets(keyIdOf(publicKey))),
    extension(ID.authorityKeyIdentifier, sequence(tagged(0, keyIdOf(issuerKey), false))),
  ];
  const body = sequence(
    tagged(0, integer(VERSION), true),
    // Positive, as it has to be.
    integer(Buffer.concat([Buffer.from([1]), randomBytes(16)])),
    SIGNATURE,
    issuer === null ? own : nameOf(commonNameOf(issuer)),
    sequence(utcTime(validity.from), utcTime(validity.to)),
    own,
    publicKey,
    tagged(3, sequence(...all), true),
  );
  const signature = sign('sha256', body, authority?.key ?? privateKey);
  const certificate = new X509Certificate(sequence(body, SIGNATURE, bitString(signature)));
  return { certificate: certificate.toString(), key: privateKey };
}

function nameOf(commonName: string): Buffer {
  const part = (id: string, text: string): Buffer => set(sequence(objectId(id), utf8(text)));
  return sequence(part(ID.organizationName, ORGANISATION), part(ID.commonName, commonName));
}

/** Of one that was made here: `O=…` and `CN=…`, each on a line. */
function commonNameOf({ subject }: X509Certificate): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
}

function extension(id: string, value: Buffer, weight?: 'critical'): Buffer {
  return sequence(objectId(id), ...(weight === 'critical' ? [bool(true)] : []), octets(value));
}

/** What a key is known by in certificates. Nothing is proved by it. */
function keyIdOf(publicKey: Buffer): Buffer {
  return createHash('sha1').update(publicKey).digest();
}
