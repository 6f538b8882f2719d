// What a person does at the pages, over HTTP.
import type { Answer, UserAgent } from './user-agent.ts';
import { formOf } from './user-agent.ts';

export interface Person {
  email: string;
  password: string;
}

/** Opens an authorization request, signs in, and returns the address at the app that it leads to. */
export async function signInWithPassword(browser: UserAgent, address: string, person: Person): Promise<URL> {
  const page = await browser.open(address);
  return callbackOf(await submitSignIn(browser, page, person));
}

export async function submitSignIn(browser: UserAgent, page: Answer, person: Person): Promise<Answer> {
  const { action, fields } = formOf(page);
  return browser.submit(action, { ...fields, identifier: person.email, password: person.password });
}

/** The address at the app that an answer redirects to. */
export function callbackOf(answer: Answer): URL {
  const location = answer.headers.get('location');
  if (location === null) {
    throw new Error(`no redirect to an app: ${answer.status} at ${answer.url}: ${answer.body.slice(0, 600)}`);
  }
  return new URL(location, answer.url);
}
