from stream.leads.lead_contacts import MAX_WEEKS, SENT, LeadHistory, is_news, meet


def test_a_contact_too_old_to_be_remembered_changes_nothing() -> None:
    lead = LeadHistory("c", {100: SENT})
    assert is_news(lead, 100 + MAX_WEEKS - 1, SENT)
    assert not is_news(lead, 100 + MAX_WEEKS, SENT)
    meet(lead, 100 + MAX_WEEKS, SENT)
    assert lead.weeks == {100: SENT}
