import { describe, expect, it } from 'vitest';
import { CommandError, failureSentence } from '../../src/cli/failure.ts';
import { ConfigurationError } from '../../src/config/complaints.ts';
import { DomainError } from '../../src/core/errors.ts';

function listenError(code: string): Error {
  return Object.assign(new Error(`listen ${code}`), {
    code,
    syscall: 'listen',
    address: '127.0.0.1',
    port: 3000,
  });
}

function fileError(code: string): Error {
  return Object.assign(new Error(`${code}: open`), { code, syscall: 'open', path: '/etc/strata/key' });
}

describe('failureSentence', () => {
  it.each([
    [
      listenError('EADDRINUSE'),
      'Port 3000 on 127.0.0.1 is taken: stop what listens there, or set PORT to another one.',
    ],
    [listenError('EACCES'), 'This user may not listen on port 3000: set PORT to one above 1023.'],
    [
      listenError('EADDRNOTAVAIL'),
      'This machine does not have the address 127.0.0.1: set STRATA_HOST to one that it has.',
    ],
    [listenError('EIO'), 'The server cannot listen on 127.0.0.1: the system says EIO.'],
    [fileError('EACCES'), '/etc/strata/key cannot be used: this user may not.'],
    [fileError('EISDIR'), '/etc/strata/key cannot be used: it is a directory.'],
    [fileError('ELOOP'), '/etc/strata/key cannot be used: the system says ELOOP.'],
    [new DomainError('store_unavailable', { detail: 'the disk is full' }), 'The disk is full.'],
    [new DomainError('not_found'), 'Not found.'],
    [new CommandError('There is no account x.'), 'There is no account x.'],
    [
      new ConfigurationError('strata.yaml', [
        { path: 'listen.port', message: 'must be a whole number', line: 3 },
        { path: 'issuer', message: 'is required' },
      ]),
      'strata.yaml:3: listen.port must be a whole number\nstrata.yaml: issuer is required',
    ],
    [
      new TypeError('x is not a function\n    at somewhere'),
      'Something failed that never should: x is not a function. STRATA_LOG_LEVEL=debug tells more.',
    ],
    ['thrown text', 'Something failed that never should: thrown text. STRATA_LOG_LEVEL=debug tells more.'],
  ])('tells %s', (error, sentence) => {
    expect(failureSentence(error)).toBe(sentence);
  });
});
