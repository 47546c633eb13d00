import type { SandboxReport, SandboxRequest } from '../contract/sandbox.ts';
import { AppError } from '../contract/errors.ts';

export type Asked = Pick<SandboxRequest, 'language' | 'accept_wasm'>;

/**
 * Why this request cannot run where this report was made, or null. Pure, so that the same answer is given when
 * work is submitted, from the report of a worker, and when it would run.
 */
export function refusal(report: SandboxReport, asked: Asked): AppError | null {
  if (!report.available || report.isolation === null) return unavailable(report, report.reason);
  if (report.isolation === 'wasm' && asked.accept_wasm !== true) {
    return unavailable(
      report,
      `${report.reason ?? ''} Only QuickJS is to be had, and the request does not accept it.`,
    );
  }
  const language = report.languages.find((one) => one.language === asked.language);
  if (language?.available) return null;
  return unavailable(report, `${asked.language} cannot run here: ${language?.reason ?? 'it is not known'}.`);
}

function unavailable(report: SandboxReport, reason = 'No sandbox can run code here.'): AppError {
  const remedy = report.remedy;
  const detail = remedy === undefined ? reason.trim() : `${reason.trim()} ${remedy}`;
  return new AppError('sandbox_unavailable', {
    detail,
    extra: { reason: reason.trim(), ...(remedy === undefined ? {} : { remedy }) },
  });
}
