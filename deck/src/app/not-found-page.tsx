import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link } from "react-router";
import { usePageTitle } from "@/components/page-title";
import { paths } from "@/lib/paths";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";

export function NotFoundPage() {
  usePageTitle("Page not found");
  return (
    <Panel padded={false}>
      <EmptyState
        icon={IconMapOff}
        title="Page not found"
        action={
          <Button component={Link} to={paths.applications()} variant="default">
            All applications
          </Button>
        }
      >
        There is no page at this address.
      </EmptyState>
    </Panel>
  );
}
