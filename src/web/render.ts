// Turns a view's context into HTML. Pure: no request, no clock, no store. Views print with `<%= %>`, which
// escapes; `<%-` is for includes alone.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import { createAssetUrls } from './assets.ts';
import { icons } from './icons.ts';
import { type Language, languageNames, languageTags } from './languages.ts';
import type { PageLinks, ViewContexts, ViewName } from './views.ts';
import { createWords } from './words.ts';

export interface RendererOptions {
  branding: {
    name: string;
    /** A path on this origin. */
    logoUrl?: string;
  };
  /** Views are read again for every page, errors name their line, a key without words throws. */
  development: boolean;
  /** Path of the issuer, without a slash at its end. */
  basePath?: string;
}

export interface Renderer {
  render<View extends ViewName>(
    view: View,
    language: Language,
    context: ViewContexts[View] & PageLinks,
  ): string;
}

type Template = (locals: object) => string;

const viewsFolder = fileURLToPath(new URL('../../views/', import.meta.url));

export function createRenderer(options: RendererOptions): Renderer {
  const templates = new Map<ViewName, Template>();
  const words = createWords({ strict: options.development });
  const common = {
    brand: options.branding,
    asset: createAssetUrls(options.basePath ?? ''),
    icons,
    initial,
    languageNames,
    languageTags,
  };

  function templateOf(view: ViewName): Template {
    const template = templates.get(view) ?? compileView(view, options);
    if (!options.development) templates.set(view, template);
    return template;
  }

  return {
    render(view, language, context) {
      return templateOf(view)({ ...common, ...context, ...words[language], language });
    },
  };
}

function compileView(view: ViewName, options: RendererOptions): Template {
  const filename = `${viewsFolder}${view}.ejs`;
  return ejs.compile(readFileSync(filename, 'utf8'), {
    filename,
    cache: !options.development,
    compileDebug: options.development,
    strict: true,
    localsName: 'page',
    destructuredLocals: ['t'],
    rmWhitespace: true,
  });
}

/** Stands for an app that has no logo. */
function initial(name: string): string {
  return Array.from(name.trim())[0]?.toUpperCase() ?? '';
}
