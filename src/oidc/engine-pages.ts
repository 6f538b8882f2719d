// What the engine needs drawn. The pages themselves are the web layer's; here is what it is told.
import type { Client, KoaContextWithOIDC } from 'oidc-provider';

export interface EnginePages {
  /** Enter the code of a TV. `error` is the engine's name of what was wrong with the last one. */
  userCodeInput(ctx: KoaContextWithOIDC, form: { xsrf: string; error?: string; userCode?: string }): void;
  /** Is this the device you want to let in? */
  userCodeConfirm(
    ctx: KoaContextWithOIDC,
    form: { xsrf: string; userCode: string; client: Client; deviceInfo: Record<string, unknown> },
  ): Promise<void>;
  deviceDone(ctx: KoaContextWithOIDC): Promise<void>;
  signOut(ctx: KoaContextWithOIDC, form: { xsrf: string }): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): Promise<void>;
  /** A refusal that cannot be told to a client. */
  error(ctx: KoaContextWithOIDC, out: { error: string; error_description?: string | undefined }): void;
}
