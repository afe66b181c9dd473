/**
 * Certificates for tests and demonstrations: an authority, and what it issues. Keys are RSA, made by Node;
 * the certificates are put together by node-forge. Nothing here is meant to guard anything of worth: the
 * authority's key lies beside the certificates.
 */
import { generateKeyPair, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import forge from 'node-forge';

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

const KEY_BITS = 2048;
const ORGANISATION = 'Odradek';
/** RFC 5280: DNS names and addresses among the alternative names. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** Its declarations take the kind of a value for the class of its tag. */
const UTF8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;

const generate = promisify(generateKeyPair);

export async function createAuthority(commonName: string, validity: Validity): Promise<CertificateAndKey> {
  const subject = { commonName, hosts: [], validity };
  return made(subject, null, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

/** For servers and for clients alike. */
export async function issue(authority: CertificateAndKey, wanted: Wanted): Promise<CertificateAndKey> {
  const altNames = wanted.hosts.map((host) =>
    isIP(host) === 0 ? { type: DNS_NAME, value: host } : { type: IP_ADDRESS, ip: host },
  );
  return made(wanted, authority, [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames }]),
  ]);
}

async function made(
  { commonName, validity }: Wanted,
  authority: CertificateAndKey | null,
  extensions: object[],
): Promise<CertificateAndKey> {
  const { privateKey } = await generate('rsa', {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key = forge.pki.privateKeyFromPem(privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  // Positive, as RFC 5280 wants it.
  certificate.serialNumber = `00${randomBytes(16).toString('hex')}`;
  certificate.validity.notBefore = validity.from;
  certificate.validity.notAfter = validity.to;
  const subject = [
    { name: 'organizationName', value: ORGANISATION },
    { name: 'commonName', value: commonName, valueTagClass: UTF8 },
  ];
  certificate.setSubject(subject);
  const issuer = authority === null ? null : forge.pki.certificateFromPem(authority.certificate);
  certificate.setIssuer(issuer === null ? subject : issuer.subject.attributes);
  certificate.setExtensions(extensions);
  certificate.sign(
    authority === null ? key : forge.pki.privateKeyFromPem(authority.key),
    forge.md.sha256.create(),
  );
  const pem = new X509Certificate(forge.pki.certificateToPem(certificate)).toString();
  return { certificate: pem, key: privateKey };
}
