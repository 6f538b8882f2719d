// Bodies of the JSON API: JSON, or a form as OAuth's endpoints take it.
import type { Context } from 'koa';
import type { z } from 'zod';
import { webState } from '../web-state.ts';
import { answerQrProblem } from './qr-problems.ts';

/** The body, or undefined when the refusal has been answered. */
export function readBody<Body>(ctx: Context, schema: z.ZodType<Body>): Body | undefined {
  const result = schema.safeParse(bodyOf(ctx));
  if (result.success) return result.data;

  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0] ?? '')))];
  answerQrProblem(ctx, 'invalid_request', { fields: fields.filter((field) => field !== '') });
  return undefined;
}

/** A parameter that is given twice becomes a list, which no schema takes for one value (RFC 6749 §3.1). */
function bodyOf(ctx: Context): unknown {
  const { form } = webState(ctx);
  if (!form) return ctx.request.body;

  const fields = [...new Set(form.keys())].map((name) => {
    const values = form.getAll(name);
    return [name, values.length > 1 ? values : values[0]] as const;
  });
  return Object.fromEntries(fields);
}
