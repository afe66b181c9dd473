/** Passwords in Kafka's format: what its own encoder has written, what ours writes, and what is none. */
import { describe, expect, it } from 'vitest';
import { passwordEncoder } from '../../../broker/security/password-encoder.ts';

const SECRET = 'the secret';
const PASSWORD = 'pässword, "quoted"';
const CONFIGS = {
  passwordEncoderKeyfactoryAlgorithm: null,
  passwordEncoderCipherAlgorithm: 'AES/CBC/PKCS5Padding',
  passwordEncoderKeyLength: 128,
  passwordEncoderIterations: 1024,
};

/** Written by EncryptingPasswordEncoder of Kafka 3.9.1. */
const WRITTEN_BY_KAFKA: readonly (readonly [cipher: string, encoded: string])[] = [
  [
    'AES/CBC/PKCS5Padding, 128 bits',
    'initializationVector:OXsxotBbz2FCWACmGSVh1w==,keyLength:128,salt:Bs4M3IsC1Abyfi4rxeHuNKtxVQdyzUw' +
      'xWmJAT9iR5pER/Pk/SG79vy9gahWkREsfBG3TkJbujB8IWleFHEqulwnnVqftm6vWk24g7WI+lopNQcwWWNAyWaonQcrb9Yd' +
      'YSwkb/F9GXUwoTf2TU/K7UooSmg4ECa2tJ7bDJpVA6aKknXfMns9COPaDT6kDftILAp02VQ7Qq8DXAFipADcUVtNSF5fCbT9' +
      '/LXC6nAz0Jyp06LIPtQMU0/seh/kQ1Pmo/hpMAvjcHmsAUDZlLLD4q/4MB9M7rNzLJrToHJ1fxJI9T6yrh0BiBoTl0vvBjwB' +
      'uYF0iMeaOmj2Xqtzzi0u5YA==,keyFactoryAlgorithm:PBKDF2WithHmacSHA512,cipherAlgorithm:AES/CBC/PKCS5' +
      'Padding,iterations:4096,passwordLength:18,encryptedPassword:SSfWNLyK9wwdrbLhhurgab2Rn9XyjHLzwayE' +
      'Q0lJrHU=',
  ],
  [
    'AES/GCM/NoPadding, 256 bits',
    'initializationVector:TuXBwaNGp5sxeUMu,keyLength:256,salt:e/+qz/rJEsPyBzLChSIqYWU5IyJmlS8/csa0B7s' +
      'vhHdleI78RdJWnWdFfq6/7NLZ3Y5SBrrYMiSw+8ZMDzdmGfLUj5Fe2beU1wrlAXBNHUReex3znnWkpek0OgBMPNdfR7Mm6NY' +
      'CncJ8rt/pVSH602H9vcciHzVsw9p6HYj1t1FoTpO5GAikmT5lJOHLMF/YJn15G+D+wkwCOiM0GoQJhnvHV1RL9Vi1trIK5pG' +
      'ekv6oMhBp0bsvImqctgORLLuEFnHSmwsLhTVIGtOliB0sx8u3hJ6OiRe/PERCjNx1CaCXH9I5hQ04b8Nm2heelOKEEF6V64l' +
      'XrDdvjWB2tfOdgQ==,keyFactoryAlgorithm:PBKDF2WithHmacSHA1,cipherAlgorithm:AES/GCM/NoPadding,authe' +
      'nticationTagLength:128,iterations:1024,passwordLength:18,encryptedPassword:TWqfVdzFpz2WHf8rJGhbL' +
      '45SMKosFY303uFCubW7AjuDrKQ=',
  ],
];

const encoder = (own: Partial<typeof CONFIGS> = {}, secret = SECRET) =>
  passwordEncoder(secret, { ...CONFIGS, ...own });

describe('an encoded password', () => {
  it.each(WRITTEN_BY_KAFKA)('of Kafka is read: %s', (_cipher, encoded) => {
    expect(encoder()?.decode(encoded)).toBe(PASSWORD);
  });

  it.each(['AES/CBC/PKCS5Padding', 'AES/GCM/NoPadding'])('is written and read by %s', (cipher) => {
    const written = encoder({ passwordEncoderCipherAlgorithm: cipher })?.encode(PASSWORD) ?? '';
    expect(written).toContain(`cipherAlgorithm:${cipher},keyLength:128,iterations:1024,salt:`);
    expect(written).not.toContain(PASSWORD);
    expect(encoder({ passwordEncoderIterations: 5000 })?.decode(written)).toBe(PASSWORD);
    expect(encoder({ passwordEncoderCipherAlgorithm: cipher })?.encode(PASSWORD)).not.toBe(written);
    expect(() => encoder({}, 'another')?.decode(written)).toThrow('another password.encoder.secret');
    const spoilt = written.replace('passwordLength:18', 'passwordLength:17');
    expect(() => encoder()?.decode(spoilt)).toThrow('could not be decoded');
  });

  it.each([
    '',
    'in the clear',
    'iterations:1,keyLength:128',
    WRITTEN_BY_KAFKA[0]?.[1].replace('iterations:4096', 'iterations:999999999') ?? '',
    WRITTEN_BY_KAFKA[1]?.[1].replace(/encryptedPassword:[^,]*/, 'encryptedPassword:AA==') ?? '',
  ])('is none: %#', (text) => {
    expect(() => encoder()?.decode(text)).toThrow('Password could not be decoded');
  });

  it('is not made without a secret, nor by what is not known', () => {
    expect(passwordEncoder(null, CONFIGS)).toBeNull();
    expect(() => encoder({ passwordEncoderCipherAlgorithm: 'DES' })).toThrow(
      'password.encoder.cipher.algorithm',
    );
    expect(() => encoder({ passwordEncoderKeyLength: 100 })).toThrow('password.encoder.key.length');
    expect(() => encoder({ passwordEncoderIterations: 1_000_001 })).toThrow(
      'Invalid value 1000001 for configuration password.encoder.iterations: at most 1000000 are done',
    );
    const unknown = { ...CONFIGS, passwordEncoderKeyfactoryAlgorithm: 'MD5' };
    expect(() => passwordEncoder(SECRET, unknown)).toThrow('password.encoder.keyfactory.algorithm');
  });
});
