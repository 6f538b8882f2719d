// EJS 7 ships no types and @types/ejs describes version 3; this is the part of it that Strata calls.
declare module 'ejs' {
  interface CompileOptions {
    /** Where the template lies; includes are found relative to it. */
    filename: string;
    /** Keeps compiled includes for the life of the process. */
    cache: boolean;
    /** Names the template's line in an error's message. */
    compileDebug: boolean;
    strict: boolean;
    localsName: string;
    destructuredLocals: readonly string[];
    rmWhitespace: boolean;
  }

  const ejs: { compile(template: string, options: CompileOptions): (locals: object) => string };

  // biome-ignore lint/style/noDefaultExport: EJS exports nothing else.
  export { ejs as default };
}
