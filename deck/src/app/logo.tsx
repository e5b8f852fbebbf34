/** The sail. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#143c5a" />
      <path d="M9 5.5c9.5 3.2 14.6 10 14.6 18.2H9z" fill="#3ec1d3" />
      <path d="M9 5.5c4.2 5 5.8 11 4.7 18.2H9z" fill="#e8fbff" />
      <path d="M6.5 26h19" stroke="#e8fbff" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
