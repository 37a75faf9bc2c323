"""The program that stands at the counter: one microphone, one shift, one encounter after another."""
