// What a User-Agent header says about a device, for its owner's eyes only: nothing is decided by it.
import bowser from 'bowser';

const LENGTH_MAX = 512;

export interface DeviceDescription {
  name: string;
  browser?: string;
  os?: string;
}

export function deviceNameFrom(userAgent: string): DeviceDescription {
  if (userAgent === '') return { name: '' };

  const parsed = bowser.parse(userAgent.slice(0, LENGTH_MAX));
  const browser = parsed.browser.name;
  const os = [parsed.os.name, parsed.os.versionName ?? parsed.os.version].filter(Boolean).join(' ');
  return {
    name: [browser, parsed.os.name].filter(Boolean).join(', '),
    ...(browser !== undefined && { browser }),
    ...(os !== '' && { os }),
  };
}
