import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  width?: number;
}

/**
 * The search field of a page. The `/` key focuses it, Escape empties it and then leaves it.
 *
 * Its value lives in the address, which follows a moment after each key; while someone types, the
 * field shows what was typed, or quick typing would lose letters.
 */
export function SearchField({ label, value, onChange, width = 280 }: SearchFieldProps) {
  const [draft, setDraft] = useState<string>();
  const shown = draft ?? value;
  const change = (text: string) => {
    setDraft(text);
    onChange(text);
  };
  return (
    <TextInput
      type="search"
      aria-label={label}
      placeholder={label}
      data-page-search
      w={width}
      size="xs"
      value={shown}
      onFocus={() => setDraft(value)}
      onBlur={() => setDraft(undefined)}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        if (shown) change("");
        else event.currentTarget.blur();
      }}
      leftSection={<IconSearch size={14} aria-hidden="true" />}
      rightSection={
        shown ? (
          <CloseButton
            size="xs"
            aria-label="Clear search"
            onClick={() => {
              setDraft(undefined);
              onChange("");
            }}
          />
        ) : (
          <Kbd size="xs" aria-hidden="true">
            /
          </Kbd>
        )
      }
    />
  );
}

/** Focuses the page's search field; false when the page has none. */
export function focusPageSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>("[data-page-search]");
  field?.focus();
  field?.select();
  return field !== null;
}
