//! What the owner reads for each ability, in English.

use super::{Ability, AbilityKind};

impl Ability {
    /// A sentence for the owner's terminal and page, and for nobody else: the subject may be a word of the home's.
    #[must_use]
    pub fn words_for_the_owner(&self) -> String {
        // Whatever it is, it stands in one line of a terminal.
        let about = self.subject.reveal_to_inbound().replace(char::is_control, " ");
        match self.kind {
            AbilityKind::CallsService => format!("It can call the service {about}."),
            AbilityKind::CallsAnyService => {
                format!("It can call a service that only becomes known when it runs ({about}).")
            }
            AbilityKind::FiresEvent => format!("It can fire the event {about}."),
            AbilityKind::RunsByItself => format!("It runs by itself: {about}."),
            AbilityKind::ListensToNet => format!("It can be started from outside this home: {about}."),
            AbilityKind::CalledBy => format!("It is called by {about}."),
            AbilityKind::UsesBlueprint => {
                format!("It runs a blueprint, whose actions are not shown here: {about}.")
            }
            AbilityKind::RewritesFile => format!(
                "Home Assistant writes {about} anew: comments and formatting are lost, and missing ids are added."
            ),
            AbilityKind::CallsHost => format!("Your browser calls another computer: {about}."),
            AbilityKind::ShowsPage => format!("It shows another page inside the dashboard: {about}."),
            AbilityKind::RunsCode => {
                format!("It runs code in your browser, which can read and send anything you can: {about}.")
            }
            AbilityKind::UsesCard => format!(
                "It uses the custom card {about}, which runs code in your browser and can do anything you can."
            ),
            AbilityKind::InstallsCard => format!(
                "It installs the custom card {about}, which can do everything that whoever looks at it can do."
            ),
            AbilityKind::CardReaches => format!("In the card's code was found, as a hint: {about}."),
            AbilityKind::Navigates => format!("It leads to another page of Home Assistant: {about}."),
            AbilityKind::ActsInBrowser => format!("It acts in your browser: {about}."),
            AbilityKind::Deletes => format!("It deletes {about}."),
        }
    }
}
