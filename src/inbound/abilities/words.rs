//! What the owner reads for each ability, in English.

use super::{Ability, AbilityKind};

impl Ability {
    /// A sentence for the owner's terminal and page, and for nobody else: the subject may be a word of the home's.
    #[must_use]
    pub fn words_for_the_owner(&self) -> String {
        let subject = self.subject.reveal_to_inbound();
        // Whatever it is, it stands in one line of a terminal.
        let subject: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
        let words = match self.kind {
            AbilityKind::CallsService => format!("Calls the service {subject}."),
            AbilityKind::CallsAnyService => format!("Calls a service that a template chooses: {subject}"),
            AbilityKind::FiresEvent => format!("Fires the event {subject}."),
            AbilityKind::RunsByItself => format!("Runs by itself once you have enabled it: {subject}."),
            AbilityKind::ListensToNet => format!("Can be started from the net ({subject})."),
            AbilityKind::CalledBy => format!("Is called by: {subject}."),
            AbilityKind::UsesBlueprint => {
                format!("Runs the blueprint {subject}, whose actions are not shown here.")
            }
            AbilityKind::RewritesFile => format!(
                "Home Assistant writes {subject} anew: comments and formatting are lost, and ids are added where they are missing."
            ),
            AbilityKind::CallsHost => format!("Makes browsers in your home call {subject}."),
            AbilityKind::ShowsPage => format!("Shows a page of {subject} inside the dashboard."),
            AbilityKind::RunsCode => {
                format!("Runs code in your browser, can read and send anything you can ({subject}).")
            }
            AbilityKind::UsesCard => {
                format!(
                    "Uses {subject}, which runs code in your browser, can read and send anything you can."
                )
            }
            AbilityKind::InstallsCard => format!(
                "Installs the custom card {subject}. It can do everything that the person viewing it can do."
            ),
            AbilityKind::CardReaches => {
                format!("The card's code mentions {subject}. (A hint from its text, not a proof.)")
            }
            AbilityKind::Navigates => format!("Goes to the page {subject}."),
            AbilityKind::ActsInBrowser => format!("Acts in the browser: {subject}."),
            AbilityKind::Deletes => format!("Deletes {subject}."),
        };
        if self.kept { format!("{words} As before.") } else { words }
    }
}
