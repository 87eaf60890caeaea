"""The answers a person gives: one model, its sources, its file."""

from __future__ import annotations

from installer.answers.asking import Ask, Question, Section, next_question, questions
from installer.answers.model import VERSION, Answers, answers_model
from installer.answers.module_questions import (
    ModuleAnswers,
    ModuleQuestions,
    Modules,
    OptionSpec,
    SecretQuestion,
)
from installer.answers.problems import (
    AnswersError,
    AnswersInvalid,
    BadAnswer,
    Problem,
    SecretUnavailable,
)
from installer.answers.reading import (
    Profile,
    profiles,
    read_environment,
    read_file,
    read_flags,
    read_profile,
    variable_name,
)
from installer.answers.schema import json_schema, schema_text
from installer.answers.secret_reference import SecretRef
from installer.answers.sources import (
    Gathered,
    Given,
    Layer,
    Source,
    Sourced,
    gather,
    given,
    screen_layer,
)
from installer.answers.titles import SECTION_TITLES, section_title
from installer.answers.writing import answers_text, example_text, write_answers

__all__ = [
    "SECTION_TITLES",
    "VERSION",
    "Answers",
    "AnswersError",
    "AnswersInvalid",
    "Ask",
    "BadAnswer",
    "Gathered",
    "Given",
    "Layer",
    "ModuleAnswers",
    "ModuleQuestions",
    "Modules",
    "OptionSpec",
    "Problem",
    "Profile",
    "Question",
    "SecretQuestion",
    "SecretRef",
    "SecretUnavailable",
    "Section",
    "Source",
    "Sourced",
    "answers_model",
    "answers_text",
    "example_text",
    "gather",
    "given",
    "json_schema",
    "next_question",
    "profiles",
    "questions",
    "read_environment",
    "read_file",
    "read_flags",
    "read_profile",
    "schema_text",
    "screen_layer",
    "section_title",
    "variable_name",
    "write_answers",
]
