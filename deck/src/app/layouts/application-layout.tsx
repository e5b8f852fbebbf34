import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, NavLink, Outlet, useParams } from "react-router";
import { errorWords, isNotFound } from "@/api/errors";
import { queries } from "@/api/queries";
import { paths } from "@/lib/paths";
import { Panel } from "@/ui/panel";
import { EmptyState } from "@/ui/states";
import classes from "./application-layout.module.css";

/** The tabs of one application. */
export function ApplicationLayout() {
  const { application = "" } = useParams();
  const query = useQuery(queries.application(application));
  const missing = query.isError && isNotFound(query.error);
  const tabs: [string, string][] = [
    ["Executions", paths.executions(application)],
    ["Pipelines", paths.pipelines(application)],
    ["Tasks", paths.tasks(application)],
    ["Config", paths.config(application)],
  ];
  return (
    <>
      <div className={classes["bar"]}>
        <div className={classes["name"]}>
          <Link to={paths.applications()}>Applications /</Link>
          <strong>{application}</strong>
        </div>
        {!missing && (
          <nav className={classes["tabs"]} aria-label={`Application ${application}`}>
            {tabs.map(([label, to]) => (
              <NavLink key={label} to={to} className={classes["tab"]}>
                {label}
              </NavLink>
            ))}
          </nav>
        )}
      </div>
      {missing ? (
        <Panel padded={false}>
          <EmptyState
            icon={IconMapOff}
            title="This application does not exist"
            action={
              <Button component={Link} to={paths.applications()} variant="default">
                All applications
              </Button>
            }
          >
            {errorWords(query.error).message}
          </EmptyState>
        </Panel>
      ) : (
        <Outlet key={application} />
      )}
    </>
  );
}
