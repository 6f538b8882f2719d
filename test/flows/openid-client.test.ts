// An ordinary OAuth client library against the server: what any app that signs its users in with it does.
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callbackOf, signInWithPassword } from '../support/sign-in.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf, type UserAgent, userAgent } from '../support/user-agent.ts';

type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>;

const redirectUri = 'https://app.example/callback';

describe('an app that uses the openid-client library', () => {
  let strata: TestServer;
  let config: client.Configuration;
  let account: { id: string; email: string; password: string };

  beforeAll(async () => {
    strata = await startTestServer();
    account = await strata.addAccount();
    const app = await strata.addClient({
      client_name: 'Web app',
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: ['https://app.example/'],
      grant_types: ['authorization_code', 'refresh_token'],
      first_party: true,
    });
    config = await client.discovery(new URL(strata.origin), app.id, app.secret, undefined, {
      execute: [client.allowInsecureRequests],
    });
  });

  afterAll(() => strata.close());

  async function signIn(browser: UserAgent): Promise<Tokens> {
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const callback = await signInWithPassword(browser, address.href, account);
    return client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    });
  }

  it('completes code + PKCE, refresh, userinfo, introspection and revocation', async () => {
    const tokens = await signIn(userAgent(strata.origin));
    const claims = tokens.claims();
    expect(claims).toMatchObject({
      sub: account.id,
      sid: expect.stringMatching(/^ses_/),
      acr: 'urn:strata:acr:1',
      amr: ['pwd'],
    });

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);

    const userinfo = await client.fetchUserInfo(config, refreshed.access_token, account.id);
    expect(userinfo).toMatchObject({ sub: account.id, email: account.email, email_verified: true });

    const introspected = await client.tokenIntrospection(config, refreshed.access_token);
    expect(introspected).toMatchObject({ active: true, sub: account.id, sid: claims?.sid });
    const introspectedRefresh = await client.tokenIntrospection(config, refreshed.refresh_token ?? '');
    expect(introspectedRefresh).toMatchObject({ active: true });

    await client.tokenRevocation(config, refreshed.refresh_token ?? '');
    await expect(client.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
      cause: { error_reason: 'signed_out' },
    });
    expect(await client.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false });
  });

  it('signs its user out and hears that it is done', async () => {
    const browser = userAgent(strata.origin);
    const tokens = await signIn(browser);
    const logout = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://app.example/',
      state: 'after the sign-out',
    });

    const { action, fields } = formOf(await browser.open(logout.href));
    const answer = await browser.post(action, { ...fields, logout: 'yes' });

    const back = callbackOf(answer);
    expect(back.origin).toBe('https://app.example');
    expect(back.searchParams.get('state')).toBe('after the sign-out');
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      cause: { error_reason: 'signed_out' },
    });
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
  });
});
